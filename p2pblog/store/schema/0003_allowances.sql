-- How much more is taken of a device: spec protocol/budget.md. Who wrote before has a day's worth.
CREATE TABLE allowances (
    device BLOB NOT NULL,
    team INTEGER NOT NULL,     -- 1: its logs of kind team, 0: all others
    remaining INTEGER NOT NULL,     -- bytes
    since INTEGER NOT NULL,    -- when the day began
    PRIMARY KEY (device, team)
) WITHOUT ROWID;
INSERT INTO allowances SELECT DISTINCT device, kind = 0, 0, 0 FROM logs;
