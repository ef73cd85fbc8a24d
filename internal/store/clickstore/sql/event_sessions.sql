-- EventSessions over young and final rows: a session may have events in both, and counts once (S21).
SELECT {{.Select}}
FROM (
    SELECT {{.Revisions}}
    FROM (
{{.Rows}}
    )
    GROUP BY {{.Keys}}
)
{{.GroupBy}}
{{.Limit}}
