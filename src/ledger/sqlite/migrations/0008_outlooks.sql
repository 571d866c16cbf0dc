-- How it looks for the runs ahead in each place that was looked at: JSON.
CREATE TABLE outlook (
    place INTEGER PRIMARY KEY,
    whole TEXT NOT NULL
) STRICT;
