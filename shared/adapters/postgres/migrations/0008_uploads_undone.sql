-- Held for its owner of today.
SELECT 1;
