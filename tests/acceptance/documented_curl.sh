#!/usr/bin/env bash
# The published API's own curl lines, with the host changed and nothing else: what its documentation prints must
# work as it stands. Each answer goes to standard output on a line of its own.
#
#   BASE   where the API is, for example http://127.0.0.1:8700
#   TOKEN  a token
#   LIST   the path of a phone list
set -euo pipefail

say() { # runs a curl line and ends its answer with a newline
    "$@"
    echo
}

# Create Schedule
say curl --silent --location --request POST "$BASE/api/schedules" \
--header "Authorization: Bearer $TOKEN" \
--form 'days="[\"mon\", \"wed\", \"fri\"]"' \
--form 'nickname="3wkdays"'

# Get Schedules
say curl --silent --location --request GET "$BASE/api/schedules" \
--header "Authorization: Bearer $TOKEN"

# Create Profile
say curl --silent --location --request POST "$BASE/api/profiles" \
--header "Authorization: Bearer $TOKEN" \
--form 'period="30"' \
--form 'amount_per_period="100"' \
--form 'nickname="MorningPace"' \
--form 'time_between_periods="10"'

# Get Profiles
say curl --silent --location --request GET "$BASE/api/profiles" \
--header "Authorization: Bearer $TOKEN"

# Create Campaign: the header says JSON, the body is multipart with attachments
SCHEDULE_ID=$(curl --silent "$BASE/api/schedules" --header "Authorization: Bearer $TOKEN" | sed 's/.*"schedule_id":\([0-9]*\).*/\1/')
say curl --silent --location --request POST "$BASE/api/campaigns" \
--header 'Content-Type: application/json' \
--header "Authorization: Bearer $TOKEN" \
--form "start_date=\"$START_DATE\"" \
--form "end_date=\"$END_DATE\"" \
--form "phone_numbers=@\"$LIST\"" \
--form 'profiles="[{\"profile\":\"MorningPace\",\"start_time\":\"08:00\",\"end_time\":\"11:00\"}]"' \
--form "schedule_id=\"$SCHEDULE_ID\"" \
--form 'start_url="http://charles.plumgroup.com/~schan/src/charles/vxml/start.php"' \
--form 'result_url="http://myserver.com/storesmsresults.php"'

# Get Campaigns
say curl --silent --location --request GET "$BASE/api/campaigns" \
--header "Authorization: Bearer $TOKEN"

# Start Campaign
CAMPAIGN_ID=$(curl --silent "$BASE/api/campaigns" --header "Authorization: Bearer $TOKEN" | sed 's/.*"campaign_id":\([0-9]*\).*/\1/')
say curl --silent --location --request POST "$BASE/api/campaigns/start" \
--header "Authorization: Bearer $TOKEN" \
--form "campaign_id=\"$CAMPAIGN_ID\""

# Add Calls
say curl --silent --location --request POST "$BASE/api/campaigns/add-calls" \
--header "Authorization: Bearer $TOKEN" \
--form 'phone_numbers="[\"tel:+12223334444;ani=7778889999\",\"tel:+14443332222;ani=9998887777\"]"' \
--form "campaign_id=\"$CAMPAIGN_ID\""

# Stop Campaign
say curl --silent --location --request POST "$BASE/api/campaigns/stop" \
--header "Authorization: Bearer $TOKEN" \
--form "campaign_id=\"$CAMPAIGN_ID\""

# Update Schedule: raw JSON in the query
say curl --silent --location -g --request PATCH "$BASE/api/schedules/$SCHEDULE_ID?days=[\"mon\",\"wed\"]" \
--header "Authorization: Bearer $TOKEN"

# Update Profile
PROFILE_ID=$(curl --silent "$BASE/api/profiles" --header "Authorization: Bearer $TOKEN" | sed 's/.*"profile_id":\([0-9]*\).*/\1/')
say curl --silent --location --request PATCH "$BASE/api/profiles/$PROFILE_ID?period=31&amount_per_period=101&time_between_periods=11&nickname=30-100-10" \
--header "Authorization: Bearer $TOKEN"

# Update Campaign: the documented line names the profile by its nickname, which has just become another
say curl --silent --location -g --request PATCH "$BASE/api/campaigns/$CAMPAIGN_ID?schedule=$SCHEDULE_ID&start_date=$START_DATE&end_date=$END_DATE&profiles=[{\"profile\":\"30-100-10\",\"start_time\":\"08:00\",\"end_time\":\"23:00\"}]" \
--header "Authorization: Bearer $TOKEN"

# Update Campaign without an id: lists
say curl --silent --location --request PATCH "$BASE/api/campaigns/?start_date=$END_DATE" \
--header "Authorization: Bearer $TOKEN"

# Delete Schedule, which is refused while the campaign uses it
say curl --silent --location --request DELETE "$BASE/api/schedules/$SCHEDULE_ID" \
--header "Authorization: Bearer $TOKEN"

# Delete Campaign
say curl --silent --location --request DELETE "$BASE/api/campaigns/$CAMPAIGN_ID" \
--header "Authorization: Bearer $TOKEN"

# Delete Schedule and Delete Profile, which nobody uses any more
say curl --silent --location --request DELETE "$BASE/api/schedules/$SCHEDULE_ID" \
--header "Authorization: Bearer $TOKEN"
say curl --silent --location --request DELETE "$BASE/api/profiles/$PROFILE_ID" \
--header "Authorization: Bearer $TOKEN"
