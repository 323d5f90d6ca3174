#include "postgres_schema.h"

#include <array>

#include "nodevigil/scoring/figures.h"
#include "sql_identifier.h"

namespace nodevigil {
namespace {

constexpr const char* kBase = R"sql(
CREATE SCHEMA IF NOT EXISTS nodevigil;
CREATE TABLE IF NOT EXISTS nodevigil.schema_version (
  version integer PRIMARY KEY,
  compatible_from integer NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  applied_by text NOT NULL
);
COMMENT ON TABLE nodevigil.schema_version IS
  'Programs that know version compatible_from of the newest row, or a later one, can use the schema.';
)sql";

// A login that belongs to one node sees and adds only that node's rows; any other member of
// nodevigil_agent those of all nodes. session_user, since that is who logged in, whatever roles are
// set; functions, since policies must not depend on a right to read node_logins.
constexpr const char* kFirst = R"sql(
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nodevigil_agent') THEN
    CREATE ROLE nodevigil_agent NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nodevigil_reader') THEN
    CREATE ROLE nodevigil_reader NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL;  -- made at the same moment for another database of this server
END $$;

CREATE TABLE nodevigil.nodes (
  node text PRIMARY KEY,
  table_name text NOT NULL UNIQUE,
  registered_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE nodevigil.nodes IS 'Every node and the table that holds its samples.';

CREATE TABLE nodevigil.node_logins (
  login text PRIMARY KEY,
  node text NOT NULL
);
COMMENT ON TABLE nodevigil.node_logins IS
  'Logins that belong to one node: they see and add nothing of others.';

CREATE TABLE nodevigil.contexts (
  context integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version text NOT NULL,
  table_hash text NOT NULL,
  model_hash text NOT NULL,
  scoring text NOT NULL,
  classes text NOT NULL
);
-- Hashes, since an index takes no long values.
CREATE UNIQUE INDEX contexts_content ON nodevigil.contexts
  (version, table_hash, model_hash, md5(scoring), md5(classes));
COMMENT ON TABLE nodevigil.contexts IS
  'What many rows were made with: program, metric table, model, scoring settings (JSON), classes (JSON).';

CREATE TABLE nodevigil.progress (
  node text NOT NULL,
  journal text NOT NULL,
  seq bigint NOT NULL,
  ts_us bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (node, journal)
);
COMMENT ON TABLE nodevigil.progress IS
  'The last row that came from each agent''s journal; written in the transaction that adds the rows.';
COMMENT ON COLUMN nodevigil.progress.ts_us IS
  'Time of that row in the journal, microseconds since 1970: where it has another, the journal has gone back.';

CREATE TABLE nodevigil.samples (
  node text NOT NULL,
  ts timestamptz NOT NULL,
  seq bigint NOT NULL,
  elapsed_ns bigint,
  breaks bigint NOT NULL,
  context integer NOT NULL,
  ready boolean NOT NULL,
  frozen boolean NOT NULL,
  relearning boolean NOT NULL,
  over boolean NOT NULL,
  anomalous boolean NOT NULL,
  verdict text NOT NULL,
  score double precision,
  score_smoothed double precision,
  threshold double precision,
  threshold_smoothed double precision,
  rank double precision,
  explanation jsonb,
  attack boolean,
  attack_type text,
  PRIMARY KEY (ts, node)  -- in this order its index serves spans of time, in one table or in all
) PARTITION BY LIST (node);
CREATE INDEX samples_anomalous ON nodevigil.samples (ts) WHERE anomalous;
COMMENT ON COLUMN nodevigil.samples.seq IS 'Counts up in the agent''s journal; a gap is a lost row.';
COMMENT ON COLUMN nodevigil.samples.elapsed_ns IS
  'Steady time since the sample before, NULL for the first one of a run.';
COMMENT ON COLUMN nodevigil.samples.attack IS 'Label: NULL where nobody has labelled the row.';

CREATE TABLE nodevigil.anomaly_windows (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  node text NOT NULL,
  from_ts timestamptz NOT NULL,
  to_ts timestamptz NOT NULL CHECK (to_ts >= from_ts),
  type text NOT NULL,
  details jsonb
);
CREATE INDEX anomaly_windows_node ON nodevigil.anomaly_windows (node, from_ts);

CREATE FUNCTION nodevigil.node_of_login() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$ SELECT node FROM nodevigil.node_logins WHERE login = session_user $$;
COMMENT ON FUNCTION nodevigil.node_of_login() IS 'The node that the login belongs to; NULL for any.';

CREATE FUNCTION nodevigil.register_node(wanted text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bound text := nodevigil.node_of_login();
  found_name text;
  found_table regclass;
  plain text;
  tries integer := 0;
BEGIN
  IF wanted IS NULL OR wanted = '' OR octet_length(wanted) > 253 THEN
    RAISE EXCEPTION 'a node name has 1 to 253 bytes' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF bound <> wanted THEN
    RAISE EXCEPTION 'login % belongs to node %, not to %', session_user, bound, wanted
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  LOOP
    SELECT table_name INTO found_name FROM nodevigil.nodes WHERE node = wanted;
    IF FOUND THEN
      found_table := to_regclass(format('nodevigil.%I', found_name));
      IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = found_table
                 AND inhparent = 'nodevigil.samples'::regclass) THEN
        RETURN found_name;
      END IF;
      IF found_table IS NOT NULL THEN
        RAISE EXCEPTION 'table % of node % is no partition of nodevigil.samples; attach it, or '
          'give it another name', found_table, wanted
          USING ERRCODE = 'object_not_in_prerequisite_state';
      END IF;
    END IF;
    EXIT WHEN tries = 1;
    -- One at a time, so that names are free when they are looked up.
    PERFORM pg_advisory_xact_lock(7304826519840312);
    tries := 1;
  END LOOP;
  DELETE FROM nodevigil.nodes WHERE node = wanted;  -- somebody has dropped its table
  plain := left('samples_' || regexp_replace(lower(wanted), '[^a-z0-9]+', '_', 'g'), 63);
  found_name := plain;
  -- What would be cut off, changed or taken gets a hash of the whole name.
  WHILE (found_name = plain AND plain <> 'samples_' || wanted)
        OR to_regclass(format('nodevigil.%I', found_name)) IS NOT NULL LOOP
    found_name := left(plain, 46) || '_' || left(md5(wanted || repeat('/', tries - 1)), 16);
    tries := tries + 1;
  END LOOP;
  -- Attaching locks the parent only against other changes of the schema; creating it as a
  -- partition would wait for every agent that writes.
  EXECUTE format('CREATE TABLE nodevigil.%I (LIKE nodevigil.samples INCLUDING DEFAULTS)', found_name);
  EXECUTE format('ALTER TABLE nodevigil.samples ATTACH PARTITION nodevigil.%I FOR VALUES IN (%L)',
                 found_name, wanted);
  -- Agents add to the node's own table: for one row of samples a new session reads the bounds of
  -- all partitions, which takes longer than everything else.
  EXECUTE format('ALTER TABLE nodevigil.%I ENABLE ROW LEVEL SECURITY', found_name);
  EXECUTE format('CREATE POLICY agent_reads ON nodevigil.%I FOR SELECT TO nodevigil_agent '
                 'USING (node = coalesce((SELECT nodevigil.node_of_login()), node))', found_name);
  EXECUTE format('CREATE POLICY agent_adds ON nodevigil.%I FOR INSERT TO nodevigil_agent '
                 'WITH CHECK (node = coalesce((SELECT nodevigil.node_of_login()), node))',
                 found_name);
  EXECUTE format('GRANT SELECT, INSERT ON nodevigil.%I TO nodevigil_agent', found_name);
  INSERT INTO nodevigil.nodes (node, table_name) VALUES (wanted, found_name);
  RETURN found_name;
END $$;
REVOKE ALL ON FUNCTION nodevigil.register_node(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION nodevigil.node_of_login() FROM PUBLIC;

ALTER TABLE nodevigil.samples ENABLE ROW LEVEL SECURITY;
CREATE POLICY agent_reads ON nodevigil.samples FOR SELECT TO nodevigil_agent
  USING (node = coalesce((SELECT nodevigil.node_of_login()), node));
CREATE POLICY reader_reads ON nodevigil.samples FOR SELECT TO nodevigil_reader USING (true);

ALTER TABLE nodevigil.nodes ENABLE ROW LEVEL SECURITY;
CREATE POLICY agent_reads ON nodevigil.nodes FOR SELECT TO nodevigil_agent
  USING (node = coalesce((SELECT nodevigil.node_of_login()), node));
CREATE POLICY reader_reads ON nodevigil.nodes FOR SELECT TO nodevigil_reader USING (true);

ALTER TABLE nodevigil.progress ENABLE ROW LEVEL SECURITY;
CREATE POLICY agent_notes ON nodevigil.progress TO nodevigil_agent
  USING (node = coalesce((SELECT nodevigil.node_of_login()), node));
CREATE POLICY reader_reads ON nodevigil.progress FOR SELECT TO nodevigil_reader USING (true);

GRANT USAGE ON SCHEMA nodevigil TO nodevigil_agent, nodevigil_reader;
GRANT EXECUTE ON FUNCTION nodevigil.register_node(text), nodevigil.node_of_login() TO nodevigil_agent;
GRANT SELECT ON nodevigil.schema_version, nodevigil.nodes, nodevigil.samples TO nodevigil_agent;
GRANT SELECT, INSERT ON nodevigil.contexts TO nodevigil_agent;
GRANT SELECT, INSERT, UPDATE ON nodevigil.progress TO nodevigil_agent;
)sql";

// Who labels needs neither the owner's rights nor the agent's.
constexpr const char* kLabelling = R"sql(
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nodevigil_labeler') THEN
    CREATE ROLE nodevigil_labeler NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL;  -- made at the same moment for another database of this server
END $$;
CREATE POLICY labeler_reads ON nodevigil.samples FOR SELECT TO nodevigil_labeler USING (true);
CREATE POLICY labeler_labels ON nodevigil.samples FOR UPDATE TO nodevigil_labeler USING (true);
CREATE POLICY labeler_reads ON nodevigil.nodes FOR SELECT TO nodevigil_labeler USING (true);
GRANT USAGE ON SCHEMA nodevigil TO nodevigil_labeler;
GRANT SELECT ON nodevigil.schema_version, nodevigil.nodes, nodevigil.samples TO nodevigil_labeler;
GRANT UPDATE (attack, attack_type) ON nodevigil.samples TO nodevigil_labeler;
GRANT SELECT, INSERT, UPDATE, DELETE ON nodevigil.anomaly_windows TO nodevigil_labeler;
COMMENT ON TABLE nodevigil.anomaly_windows IS
  'Labelled spans, both ends included. Type normal: watched, and nothing wrong but for other windows.';
)sql";

// What the tree raises alarms by. Agents that do not know the columns leave them NULL.
constexpr const char* kSuspicionColumns = R"sql(
ALTER TABLE nodevigil.samples
  ADD COLUMN suspicion double precision,
  ADD COLUMN threshold_suspicion double precision,
  ADD COLUMN suspect text,
  ADD COLUMN suspected boolean;
COMMENT ON COLUMN nodevigil.samples.suspect IS 'The class that the suspicion is of.';
COMMENT ON COLUMN nodevigil.samples.suspected IS
  'The tree sees that class in this sample, so that the suspicion counts; NULL where the agent did not tell.';
)sql";

// Views of all columns; what is added to a table later comes last, which replacing allows.
constexpr const char* kViews = R"sql(
CREATE OR REPLACE VIEW nodevigil.anomalies AS
  SELECT node, ts, verdict, score, threshold, score_smoothed, threshold_smoothed,
         explanation ->> 'summary' AS summary, explanation,
         suspicion, threshold_suspicion, suspect, suspected
  FROM nodevigil.samples WHERE anomalous;
COMMENT ON VIEW nodevigil.anomalies IS 'Anomalous rows of all nodes, with their explanation.';

-- A statement for each node, since each reads one partition; a join looks at all of them for each
-- node, which takes twelve seconds with 1,000 nodes.
CREATE OR REPLACE FUNCTION nodevigil.newest_rows() RETURNS SETOF nodevigil.samples
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  one text;
BEGIN
  FOR one IN SELECT node FROM nodevigil.nodes ORDER BY node LOOP
    RETURN QUERY EXECUTE
      'SELECT * FROM nodevigil.samples WHERE node = $1 ORDER BY ts DESC LIMIT 1' USING one;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION nodevigil.newest_rows() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION nodevigil.newest_rows() TO nodevigil_reader;

DO $$
BEGIN
  CREATE OR REPLACE VIEW nodevigil.newest AS SELECT * FROM nodevigil.newest_rows();
EXCEPTION WHEN invalid_table_definition THEN  -- a column that was there is not any more
  DROP VIEW nodevigil.newest;
  CREATE VIEW nodevigil.newest AS SELECT * FROM nodevigil.newest_rows();
END $$;
COMMENT ON VIEW nodevigil.newest IS 'The newest row of every node.';

-- All windows of a node as one value, in which a time is found by bisection.
CREATE OR REPLACE VIEW nodevigil.labelled AS
  SELECT CASE WHEN w.attacks @> s.ts THEN true
              WHEN w.normal @> s.ts THEN coalesce(s.attack, false)
              ELSE s.attack END AS label,
         CASE WHEN s.attack AND s.attack_type IS NOT NULL THEN s.attack_type
              WHEN w.attacks @> s.ts THEN (
                SELECT string_agg(DISTINCT type COLLATE "C", '+' ORDER BY type COLLATE "C")
                FROM nodevigil.anomaly_windows AS one
                WHERE one.node = s.node AND s.ts >= one.from_ts AND s.ts <= one.to_ts
                  AND one.type <> 'normal')
         END AS label_type,
         s.*
  FROM nodevigil.samples AS s
  LEFT JOIN (
    SELECT node,
           range_agg(tstzrange(from_ts, to_ts, '[]')) FILTER (WHERE type <> 'normal') AS attacks,
           range_agg(tstzrange(from_ts, to_ts, '[]')) FILTER (WHERE type = 'normal') AS normal
    FROM nodevigil.anomaly_windows GROUP BY node
  ) AS w ON w.node = s.node;
COMMENT ON VIEW nodevigil.labelled IS
  'Samples with a label: true in a window, otherwise their own (attack), false in a window of type normal.';

GRANT SELECT ON nodevigil.schema_version, nodevigil.nodes, nodevigil.contexts, nodevigil.progress,
  nodevigil.samples, nodevigil.anomaly_windows, nodevigil.anomalies, nodevigil.newest,
  nodevigil.labelled TO nodevigil_reader;
GRANT SELECT ON nodevigil.labelled TO nodevigil_labeler;
)sql";

constexpr auto kPostgresColumns = with_figures(
    std::array{
        PostgresColumn{"ts", "bigint", "'epoch'::timestamptz + % * interval '1 microsecond'"},
        PostgresColumn{"seq", "bigint", "%"},
        PostgresColumn{"elapsed_ns", "bigint", "%"},
        PostgresColumn{"breaks", "bigint", "%"},
        PostgresColumn{"ready", "boolean", "%"},
        PostgresColumn{"frozen", "boolean", "%"},
        PostgresColumn{"relearning", "boolean", "%"},
        PostgresColumn{"over", "boolean", "%"},
        PostgresColumn{"anomalous", "boolean", "%"},
        PostgresColumn{"verdict", "text", "%"},
        PostgresColumn{"suspect", "text", "%"},
        PostgresColumn{"suspected", "boolean", "%"},
        PostgresColumn{"explanation", "text", "%::jsonb"},
    },
    [](const NamedFigure& figure) {
      return PostgresColumn{figure.name, "double precision", "%"};
    });

}  // namespace

std::span<const Migration> migrations() {
  static constexpr std::array<Migration, 3> kAll{
      {{1, 1, kFirst}, {2, 1, kLabelling}, {3, 1, kSuspicionColumns}}};
  return kAll;
}

const char* base_sql() { return kBase; }
const char* views_sql() { return kViews; }

std::string metric_columns_sql(std::span<const SeriesSpec> series) {
  std::string sql = "ALTER TABLE nodevigil.samples";
  const char* separator = " ";
  const auto add = [&](const std::string& name, const char* type) {
    sql += separator;
    sql += "ADD COLUMN IF NOT EXISTS " + sql_identifier(name) + " " + type;
    separator = ", ";
  };
  for (const SeriesSpec& one : series) add(one.name, "double precision");
  // Bounded and rounded already: four bytes are enough.
  for (const SeriesSpec& one : series) add("z_" + one.name, "real");
  return sql;
}

std::span<const PostgresColumn> postgres_columns() { return kPostgresColumns; }

std::string append_sql(std::span<const SeriesSpec> series, const std::string& table) {
  std::string names = "node, context";
  std::string values = "$1, $2";
  std::string arrays;
  std::string aliases;
  int parameter = 3;
  const auto add = [&](const std::string& name, const std::string& type, std::string value) {
    const std::string alias = "a" + std::to_string(parameter);
    names += ", " + name;
    value.replace(value.find('%'), 1, "t." + alias);
    values += ", " + value;
    arrays += (arrays.empty() ? "$" : ", $") + std::to_string(parameter) + "::" + type + "[]";
    aliases += (aliases.empty() ? "" : ", ") + alias;
    ++parameter;
  };
  for (const PostgresColumn& column : kPostgresColumns)
    add(column.name, column.parameter, column.value);
  for (const SeriesSpec& one : series) add(sql_identifier(one.name), "double precision", "%");
  for (const SeriesSpec& one : series) add(sql_identifier("z_" + one.name), "real", "%");
  return "INSERT INTO nodevigil." + sql_identifier(table) + " (" + names + ") SELECT " + values +
         " FROM unnest(" + arrays + ") AS t(" + aliases + ") ON CONFLICT (node, ts) DO NOTHING";
}

std::string history_sql(std::span<const SeriesSpec> series, const std::string& table, int limit) {
  std::string names = "(extract(epoch FROM ts) * 1000000)::bigint, seq, elapsed_ns, breaks";
  for (const SeriesSpec& one : series) names += ", " + sql_identifier(one.name);
  return "SELECT " + names + " FROM nodevigil." + sql_identifier(table) +
         " WHERE node = $1 AND ts >= now() - $2::bigint * interval '1 "
         "second'"
         " AND ts > 'epoch'::timestamptz + $3::bigint * interval '1 microsecond' ORDER BY ts "
         "LIMIT " +
         std::to_string(limit);
}

std::string samples_sql(std::span<const SeriesSpec> series, int limit) {
  std::string names =
      "(extract(epoch FROM ts) * 1000000)::bigint, seq, elapsed_ns, breaks, ready, frozen,"
      " relearning, over, anomalous, verdict, suspect, suspected, attack, attack_type";
  for (const NamedFigure& figure : kFigures) names += std::string{", "} + figure.name;
  for (const SeriesSpec& one : series) names += ", " + sql_identifier(one.name);
  for (const SeriesSpec& one : series) names += ", " + sql_identifier("z_" + one.name);
  return "SELECT " + names +
         " FROM nodevigil.samples WHERE node = $1"
         " AND ts >= 'epoch'::timestamptz + $2::bigint * interval '1 microsecond'"
         " AND ts <= 'epoch'::timestamptz + $3::bigint * interval '1 microsecond'"
         " ORDER BY ts LIMIT " +
         std::to_string(limit);
}

}  // namespace nodevigil
