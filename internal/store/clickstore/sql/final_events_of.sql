-- Young events as they are when their days are final (S28): aliases resolved, the texts of each session's
-- highest revision copied in.
SELECT {{.Columns}}
FROM events AS e
LEFT JOIN (
    SELECT property, part, argMax(session, revision) AS target, true AS known
    FROM aliases
    WHERE {{.Aliases}}
    GROUP BY property, part
) AS a ON a.property = e.property AND a.part = e.part
LEFT JOIN (
    SELECT property, session, {{.Needs}}, true AS known
    FROM sessions
    WHERE {{.Revisions}}
        AND (property, session, revision) IN (
            SELECT property, session, max(revision) FROM sessions WHERE {{.Revisions}} GROUP BY property, session)
        AND NOT tombstone
) AS s ON s.property = e.property AND s.session = if(a.known, a.target, e.part)
LEFT JOIN (
    SELECT property, row_id, toInt32(row_number() OVER (PARTITION BY property, client, event_time, idx ORDER BY event_key, row_id) - 1) AS place
    FROM events
    WHERE {{.Ties}}
        AND (property, client, event_time, idx) IN (
            SELECT property, client, event_time, idx FROM events WHERE {{.Ties}}
            GROUP BY property, client, event_time, idx HAVING count() > 1)
) AS t ON t.property = e.property AND t.row_id = e.row_id
WHERE {{.Events}}
