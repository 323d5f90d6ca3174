-- Run by the image once, when the server is new: makes the logins that the Job lets in. May be repeated, for passwords
-- that came later or have changed. Who injects no faults has none for `labelers`: that login then lets nobody in.
SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['agents', 'labelers']) AS name
  WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
\set password `cat /etc/nodevigil/postgres/password`
ALTER ROLE agents PASSWORD :'password';
\set password `cat /etc/nodevigil/labelers/password 2>/dev/null`
ALTER ROLE labelers PASSWORD :'password';
