-- Vaults and plans with their tags, as JSON: what access policies are decided on.
CREATE TABLE tagged (
    place BIGINT NOT NULL,
    arn TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (arn, place)
);
CREATE INDEX tagged_name ON tagged (name, place);
