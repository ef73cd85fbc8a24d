-- EventSessions: one row per distinct (dimension values, counted session) of the
-- matching events (S21). The numbers of a session come along, the same in each of its rows.
SELECT DISTINCT {{.Keys}}
FROM {{.Table}} AS e
{{.Joins}}
WHERE {{.Rows}}
    AND {{.Where}}
