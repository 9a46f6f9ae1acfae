-- A view: every profile that is shown, whoever its member is by now.
CREATE TABLE profiles (
    arrival INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    time INTEGER NOT NULL,
    start BLOB NOT NULL        -- as in posts: of a member's the last by (time, start) is read
);
CREATE INDEX profiles_by_log ON profiles (log, time, start);
