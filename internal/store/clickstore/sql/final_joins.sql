-- Final events have all of their session but its numbers.
LEFT JOIN (
    SELECT session, {{.Columns}}
    FROM final_sessions
    WHERE {{.Rows}}
) AS s ON s.session = e.session
