-- Young rows of days that become final (S28): aliases resolved, the highest
-- revision of each session, within [lo, hi) of each property. Queries over the
-- CTEs ye, al and se follow.
WITH span(property, lo, hi) AS (VALUES {{.Spans}}),
ye AS (
    SELECT e.* FROM {{.Events}} e JOIN span USING (property)
    WHERE e.event_time >= span.lo AND e.event_time < span.hi
),
al AS (
    SELECT property, part, arg_max(session, revision) AS session
    FROM {{.Aliases}} JOIN span USING (property)
    GROUP BY property, part
),
se AS (
    SELECT * FROM (
        SELECT DISTINCT ON (property, session) s.*, span.lo, span.hi
        FROM {{.Sessions}} s JOIN span USING (property)
        ORDER BY property, session, revision DESC
    ) WHERE NOT tombstone
)
