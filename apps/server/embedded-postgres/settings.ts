/** For a small server that shares its machine. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // No socket file: its path would have to stay under 107 bytes, whatever the data directory.
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '128MB',
  // With the default of 2 ms a vacuum after many messages takes a tenth to a third of a core for seconds.
  autovacuum_vacuum_cost_delay: '10ms',
  // The defaults; of files of 4 MB initdb would make 20 and 256 MB, and 256 MB is a checkpoint every minute under load.
  min_wal_size: '80MB',
  max_wal_size: '1GB',
  jit: 'off',
  // A parallel query needs /dev/shm, which containers keep small.
  max_parallel_workers_per_gather: '0',
  max_logical_replication_workers: '0',
  io_method: 'sync',
  fsync: 'on',
  // What a killed server had asked for must not go on after it.
  client_connection_check_interval: '1s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
  log_checkpoints: 'off',
  // Failed statements are the caller's to report; here they could leave texts of people in the log.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
}

/** The command line of the server; `overrides` go before the settings above. */
export function serverArguments(
  clusterDir: string,
  port: number,
  overrides: Readonly<Record<string, string>>,
): string[] {
  const settings = { ...SETTINGS, ...overrides, port: String(port) }
  return [
    '-D',
    clusterDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}
