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
-- Sessions with any revision that reaches into the span: few of all that are young.
ca AS (
    SELECT DISTINCT property, session
    FROM {{.Sessions}} s JOIN span USING (property)
    WHERE NOT s.tombstone AND s.end_time >= span.lo AND s.start_time < span.hi
),
-- Their highest revisions first, by numbers only; wide rows then stream past.
la AS (
    SELECT property, session, max(s.revision) AS revision
    FROM {{.Sessions}} s JOIN ca USING (property, session)
    GROUP BY property, session
),
se AS (
    SELECT s.*, span.lo, span.hi
    FROM {{.Sessions}} s JOIN la USING (property, session, revision) JOIN span USING (property)
    WHERE NOT s.tombstone
)
