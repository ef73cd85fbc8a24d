-- Events: one row per event, grouped by its dimensions.
WITH {{.With}},
ev AS (
    {{.Rows}}
)
SELECT {{.Select}}
FROM ev
WHERE {{.Where}}
{{.GroupBy}}
{{.Limit}}
