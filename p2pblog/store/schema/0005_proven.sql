-- Team entries whose proofs, signatures within their operations, were found good: a start need not
-- verify them again. Not a view: what it leaves out is verified and put in.
CREATE TABLE proven (
    id BLOB PRIMARY KEY NOT NULL
) WITHOUT ROWID;
