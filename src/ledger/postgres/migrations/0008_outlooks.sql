-- How it looks for the runs ahead in each place that was looked at: JSON.
CREATE TABLE outlook (
    place BIGINT PRIMARY KEY,
    whole TEXT NOT NULL
);
