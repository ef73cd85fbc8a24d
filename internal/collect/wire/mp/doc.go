// Package mp reads the body of GA4's Measurement Protocol.
//
// What is read:
//   - Params that mean a field of the event fill it and are not repeated:
//     page_location, page_referrer, page_title, language, screen_resolution,
//     session_id, session_number, session_engaged, engagement_time_msec,
//     event_id (the event key, S5), ignore_referrer, value, currency, campaign_*,
//     and in an event campaign_details also source, medium, campaign, term, content.
//   - An event without session_id is sessionless (S13).
//   - The protocol tells engagement, so engagement is known (S11).
//   - consent (ad_user_data, ad_personalization) is about advertising only and
//     changes nothing here: there is no advertising.
//   - The user agent and the address of the request are those of a server. Only
//     what the body says of the user counts: user_agent, device, ip_override,
//     user_location. The caller must not use the last three without a valid secret.
//
// What the protocol would refuse is told to a Report, which is how the debug
// endpoint validates: it reads as the real one does.
//
// Start reading at Decode.
package mp
