-- Sessions as they are when the days on which they begin are final: the highest revision of each (S28).
SELECT {{.Columns}}
FROM sessions AS s
WHERE {{.Revisions}}
    AND (s.property, s.session, s.revision) IN (
        SELECT property, session, max(revision) FROM sessions WHERE {{.Numbers}} GROUP BY property, session)
    AND NOT s.tombstone
    AND {{.Sessions}}
