-- Sessions: one row per counted session, in the bucket of its start (S20). Its highest
-- revision counts, whatever others say of its start.
SELECT {{.Select}}
FROM sessions AS s
WHERE {{.Revisions}}
    AND (s.session, s.revision) IN ({{.Highest}})
    AND NOT s.tombstone AND s.counted
    AND {{.Rows}}
    AND {{.Where}}
{{.GroupBy}}
{{.Limit}}
