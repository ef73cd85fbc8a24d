-- Client ids with which a user id was seen, in sessions or in events of the client.
SELECT DISTINCT client_id
FROM (
    SELECT client, client_id FROM sessions WHERE {{.Sessions}}
    UNION ALL
    SELECT client, client_id FROM final_sessions WHERE {{.FinalSessions}}
)
WHERE client_id != ''
    AND client IN (
        SELECT client FROM events WHERE {{.Events}} AND user_id = {{.User}}
        UNION ALL
        SELECT client FROM sessions WHERE {{.Sessions}} AND user_id = {{.User}}
        UNION ALL
        SELECT client FROM final_events WHERE {{.FinalEvents}} AND user_id = {{.User}}
        UNION ALL
        SELECT client FROM final_sessions WHERE {{.FinalSessions}} AND user_id = {{.User}}
    )
ORDER BY client_id
