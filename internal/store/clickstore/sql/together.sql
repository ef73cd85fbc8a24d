-- Parts of an answer, put together.
SELECT {{.Select}}
FROM (
{{.Rows}}
)
{{.GroupBy}}
{{.Limit}}
