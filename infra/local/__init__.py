"""The embedded stack: a real Kafka and a real PostgreSQL on this machine, the six services, and their supervision.

For tests, and for anyone who needs a server for a while:

    with throwaway_kafka.running(directory) as bootstrap:  # "127.0.0.1:PORT"
    with postgres.running(directory) as dsn:               # "postgresql://pantau:...@127.0.0.1:PORT/pantau"

`directory` is a `pathlib.Path` that is made if it is missing and is kept afterwards; the port is a free one unless
given as `port=`. Both wait until the server answers, raise `LocalStackError` with a sentence and the end of its log
when it does not, and end it when the block is left, also when the process that opened the block dies (on Linux: when
the thread that opened it ends, so open it in the main one).
"""
