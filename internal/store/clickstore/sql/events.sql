-- Events: one row per event, grouped by its dimensions. The table of events stands
-- at the outermost level, so that each server of a cluster aggregates its own.
SELECT {{.Select}}
FROM {{.Table}} AS e
{{.Joins}}
WHERE {{.Rows}}
    AND {{.Where}}
{{.GroupBy}}
{{.Limit}}
