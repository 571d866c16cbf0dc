-- What was changed, until the server that looks after it has taken it. `what` 1: the database of that ARN; 2: the plan of that id or
-- name.
CREATE TABLE touched (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    what BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account, region, what, name)
);
