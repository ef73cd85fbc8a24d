-- Joins: an event finds its session through the alias of its part, if there is one (S24).
LEFT JOIN (
    SELECT part, argMax(session, revision) AS target, true AS known
    FROM aliases
    WHERE {{.Aliases}}
    GROUP BY part
) AS a ON a.part = e.part
LEFT JOIN (
    SELECT session, {{.Columns}}, true AS known
    FROM sessions
    WHERE {{.Revisions}}
        AND (session, revision) IN ({{.Highest}})
        AND NOT tombstone
) AS s ON s.session = if(a.known, a.target, e.part)
