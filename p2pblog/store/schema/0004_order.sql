-- Views: posts in the order of time, and of time within channels. They follow the posts table, in
-- bulk by many at a time: rows that are sorted first touch each page of a large table once.
ALTER TABLE store ADD COLUMN ordered INTEGER NOT NULL DEFAULT 0;  -- they hold posts up to this arrival
CREATE TABLE by_time (
    time INTEGER NOT NULL,
    arrival INTEGER NOT NULL,
    PRIMARY KEY (time, arrival)
) WITHOUT ROWID;
CREATE TABLE by_channel (
    channel INTEGER NOT NULL,
    time INTEGER NOT NULL,
    arrival INTEGER NOT NULL,
    PRIMARY KEY (channel, time, arrival)
) WITHOUT ROWID;
CREATE TRIGGER posts_gone AFTER DELETE ON posts BEGIN
    DELETE FROM by_time WHERE time = old.time AND arrival = old.arrival;
    DELETE FROM by_channel
        WHERE channel = old.channel AND time = old.time AND arrival = old.arrival;
END;
DROP INDEX posts_by_time;
DROP INDEX posts_by_channel;
INSERT INTO by_time SELECT time, arrival FROM posts ORDER BY time, arrival;
INSERT INTO by_channel SELECT channel, time, arrival FROM posts ORDER BY channel, time, arrival;
UPDATE store SET ordered = (SELECT ifnull(max(arrival), 0) FROM posts);
