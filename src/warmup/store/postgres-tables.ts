export const SCHEMA = 'pilotlight';

/**
 * Tables, and a commit that is one statement and therefore one transaction: first every expectation, then every write,
 * as on Redis. Leases of an earlier process are void: an embedded store has one owner at a time.
 */
export const TABLES = `
CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
CREATE TABLE IF NOT EXISTS ${SCHEMA}.docs (
  collection text NOT NULL,
  id text NOT NULL,
  revision bigint NOT NULL,
  at bigint,
  value text NOT NULL,
  PRIMARY KEY (collection, id)
);
CREATE TABLE IF NOT EXISTS ${SCHEMA}.versions (collection text PRIMARY KEY, revision bigint NOT NULL);
CREATE TABLE IF NOT EXISTS ${SCHEMA}.leases (key text PRIMARY KEY, owner text NOT NULL, until timestamptz NOT NULL);
CREATE SEQUENCE IF NOT EXISTS ${SCHEMA}.revision;
DELETE FROM ${SCHEMA}.leases;
CREATE OR REPLACE FUNCTION ${SCHEMA}.commit(writes jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  write jsonb;
  held bigint;
  next bigint;
BEGIN
  FOR write IN SELECT * FROM jsonb_array_elements(writes) LOOP
    IF coalesce((write->>'expect')::bigint, -1) >= 0 THEN
      SELECT revision INTO held FROM ${SCHEMA}.docs
        WHERE collection = write->>'in' AND id = write->>'id' FOR UPDATE;
      IF coalesce(held, 0) <> (write->>'expect')::bigint THEN RETURN false; END IF;
    END IF;
  END LOOP;
  next := nextval('${SCHEMA}.revision');
  FOR write IN SELECT * FROM jsonb_array_elements(writes) LOOP
    CASE write->>'op'
    WHEN 'put' THEN
      INSERT INTO ${SCHEMA}.docs (collection, id, revision, value)
        VALUES (write->>'in', write->>'id', next, write->>'value')
        ON CONFLICT (collection, id) DO UPDATE SET revision = next, value = excluded.value;
    WHEN 'drop' THEN
      DELETE FROM ${SCHEMA}.docs WHERE collection = write->>'in' AND id = write->>'id';
    WHEN 'append' THEN
      INSERT INTO ${SCHEMA}.docs (collection, id, revision, at, value)
        VALUES (write->>'in', write->>'id', next, (write->>'at')::bigint, write->>'value')
        ON CONFLICT (collection, id) DO NOTHING;
      DELETE FROM ${SCHEMA}.docs WHERE collection = write->>'in' AND id IN (
        SELECT id FROM ${SCHEMA}.docs WHERE collection = write->>'in'
        ORDER BY at DESC NULLS LAST, id DESC OFFSET (write->>'most')::int);
    END CASE;
    INSERT INTO ${SCHEMA}.versions VALUES (write->>'in', next)
      ON CONFLICT (collection) DO UPDATE SET revision = next;
  END LOOP;
  RETURN true;
END $$;
`;
