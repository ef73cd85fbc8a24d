-- Sessions: one row per counted session, in the bucket of its start (S20).
WITH {{.With}},
ev AS (
    {{.Rows}}
)
SELECT {{.Select}}
FROM ev
WHERE {{.Where}}
{{.GroupBy}}
{{.Limit}}
