-- Numbers that a tenant may upload in a day, in the role of the API.

-- name: count_numbers
-- Add to the day's numbers; returns their sum, and how long this day of UTC lasts. The row is locked until the upload
-- commits, so that two uploads cannot both be the last one that fits.
INSERT INTO numbers_taken (tenant_id, day, numbers)
VALUES ($1, (clock_timestamp() AT TIME ZONE 'UTC')::date, $2)
ON CONFLICT (tenant_id, day) DO UPDATE SET numbers = numbers_taken.numbers + excluded.numbers
RETURNING numbers,
          extract(epoch FROM (day + 1)::timestamp AT TIME ZONE 'UTC' - clock_timestamp())::float8 AS seconds_left;
