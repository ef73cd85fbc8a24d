-- EventSessions: one row per distinct (dimension values, counted session) of
-- the matching events (S21). A session may have events in young and in final
-- rows, so the distinct spans both.
WITH {{.With}},
ev AS (
    {{.Rows}}
),
ds AS (
    SELECT DISTINCT {{.Keys}}
    FROM ev
    WHERE {{.Where}}
)
SELECT {{.Select}}
FROM ds {{.Join}}
{{.GroupBy}}
{{.Limit}}
