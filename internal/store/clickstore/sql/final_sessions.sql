-- Sessions of final days: one row per counted session, in the bucket of its start (S20).
SELECT {{.Select}}
FROM final_sessions AS s
WHERE {{.Rows}}
    AND {{.Where}}
{{.GroupBy}}
{{.Limit}}
