"""The metrics of routers."""

from shared.metrics import Metric

_ROUTER = ("router",)
_INTERFACE = ("router", "interface")
_SENSOR = ("router", "sensor")
_POOL = ("router", "pool")

UP = Metric("mikrotik_up", "gauge", "", "1 if the router was read to the end in time, else 0", _ROUTER)
CONNECTED = Metric(
    "mikrotik_connection_status", "gauge", "", "1 while the connection to the router's API is open, else 0", _ROUTER
)
SYNC_ERRORS = Metric(
    "mikrotik_sync_errors_total", "counter", "", "What went wrong with the router, by reason", ("router", "reason")
)
LATENCY = Metric(
    "mikrotik_api_latency_seconds",
    "histogram",
    "seconds",
    "How long the routers' API took for a command, from its first byte sent to the last received",
    ("host", "method", "endpoint"),
)
INFO = Metric(
    "mikrotik_info",
    "gauge",
    "",
    "1, with what the router is in its labels",
    ("router", "site", "version", "board", "architecture"),
)

CPU = Metric("mikrotik_cpu_usage_percent", "gauge", "percent", "Share of processor time not idle", _ROUTER)
MEMORY = Metric("mikrotik_memory_usage_percent", "gauge", "percent", "Memory in use", _ROUTER)
MEMORY_USED = Metric("mikrotik_memory_used_bytes", "gauge", "bytes", "Memory in use", _ROUTER)
MEMORY_TOTAL = Metric("mikrotik_memory_total_bytes", "gauge", "bytes", "Size of the memory", _ROUTER)
STORAGE = Metric("mikrotik_storage_usage_percent", "gauge", "percent", "Storage in use", _ROUTER)
STORAGE_USED = Metric("mikrotik_storage_used_bytes", "gauge", "bytes", "Storage in use", _ROUTER)
STORAGE_TOTAL = Metric("mikrotik_storage_total_bytes", "gauge", "bytes", "Size of the storage", _ROUTER)
UPTIME = Metric("mikrotik_uptime_seconds", "gauge", "seconds", "Time since the router started", _ROUTER)

UNCLEAN = Metric(
    "mikrotik_unclean_reboot",
    "gauge",
    "",
    "1 if the router's log says that it last started without having been shut down (no power, a crash), else 0",
    _ROUTER,
)

TEMPERATURE = Metric("mikrotik_temperature_celsius", "gauge", "celsius", "Temperature at the sensor", _SENSOR)
VOLTAGE = Metric("mikrotik_voltage_volts", "gauge", "volts", "Voltage at the sensor", _SENSOR)
FAN = Metric("mikrotik_fan_speed_rpm", "gauge", "rpm", "Revolutions per minute of the fan", _SENSOR)
POWER = Metric("mikrotik_power_watts", "gauge", "watts", "Power drawn", _SENSOR)
CURRENT = Metric("mikrotik_current_amperes", "gauge", "amperes", "Current at the sensor", _SENSOR)
STATE = Metric("mikrotik_hardware_ok", "gauge", "", "1 if the part (a power supply, a fan) is ok, else 0", _SENSOR)

RUNNING = Metric("mikrotik_interface_running", "gauge", "", "1 if the interface has a link, else 0", _INTERFACE)
LINK_DOWNS = Metric(
    "mikrotik_interface_link_downs_total", "counter", "", "How often the interface lost its link", _INTERFACE
)
RECEIVED = Metric("mikrotik_interface_receive_bytes_total", "counter", "bytes", "Received by the interface", _INTERFACE)
SENT = Metric("mikrotik_interface_transmit_bytes_total", "counter", "bytes", "Sent by the interface", _INTERFACE)
RECEIVE_RATE = Metric(
    "mikrotik_interface_receive_bytes_per_second",
    "gauge",
    "bytes per second",
    "Received since the reading before",
    _INTERFACE,
)
SEND_RATE = Metric(
    "mikrotik_interface_transmit_bytes_per_second",
    "gauge",
    "bytes per second",
    "Sent since the reading before",
    _INTERFACE,
)
RECEIVE_ERRORS = Metric(
    "mikrotik_interface_receive_errors_total", "counter", "", "Packets received with an error", _INTERFACE
)
SEND_ERRORS = Metric(
    "mikrotik_interface_transmit_errors_total", "counter", "", "Packets that could not be sent", _INTERFACE
)
RECEIVE_DROPS = Metric(
    "mikrotik_interface_receive_drops_total", "counter", "", "Packets received and dropped", _INTERFACE
)
SEND_DROPS = Metric("mikrotik_interface_transmit_drops_total", "counter", "", "Packets dropped unsent", _INTERFACE)

ACTIVE = Metric(
    "mikrotik_active_users", "gauge", "", "Sessions now; service is pppoe or hotspot", ("router", "service")
)
ACTIVE_BY_SERVER = Metric(
    "mikrotik_server_active_users",
    "gauge",
    "",
    "Sessions now at one PPPoE server or hotspot, with the interface (the VLAN) that it serves; several of one name are"
    " one server",
    ("router", "service", "server", "interface"),
)
DISABLED = Metric(
    "mikrotik_disabled_users",
    "gauge",
    "",
    "Accounts that may not log in, e.g. for unpaid bills; service is pppoe or hotspot",
    ("router", "service"),
)
ACTIVE_BY_PROFILE = Metric(
    "mikrotik_profile_active_users",
    "gauge",
    "",
    "Sessions now of users of one profile; `unknown` where the router doesn't know the user, as with RADIUS",
    ("router", "service", "profile"),
)

QUEUES_NEAR = Metric(
    "mikrotik_queues_near_limit", "gauge", "", "Simple queues that are used to queues_near_percent or more", _ROUTER
)
QUEUE = Metric(
    "mikrotik_queue_usage_percent",
    "gauge",
    "percent",
    "Use of those queues, only the fullest, those made by hand first: rate against max-limit in the direction that is"
    " fuller; dynamic is true for a subscriber's own queue",
    ("router", "queue", "dynamic"),
)
NETWATCH = Metric(
    "mikrotik_netwatch_up", "gauge", "", "1 if the router reaches the host that it watches", ("router", "host", "name")
)
LEASES = Metric(
    "mikrotik_dhcp_leases", "gauge", "", "DHCP leases; status is bound or other", ("router", "server", "status")
)
POOL_USED = Metric("mikrotik_ip_pool_used", "gauge", "", "Addresses of the pool in use", _POOL)
POOL_SIZE = Metric("mikrotik_ip_pool_size", "gauge", "", "Addresses of the pool", _POOL)
POOL_USAGE = Metric("mikrotik_ip_pool_usage_percent", "gauge", "percent", "Share of the pool in use", _POOL)
CONNECTIONS = Metric("mikrotik_firewall_connections", "gauge", "", "Connections that the firewall tracks", _ROUTER)
CONNECTIONS_MOST = Metric(
    "mikrotik_firewall_connections_max", "gauge", "", "Connections that the firewall can track", _ROUTER
)

METRICS: tuple[Metric, ...] = (
    *(UP, CONNECTED, SYNC_ERRORS, LATENCY, INFO),
    *(CPU, MEMORY, MEMORY_USED, MEMORY_TOTAL, STORAGE, STORAGE_USED, STORAGE_TOTAL, UPTIME, UNCLEAN),
    *(TEMPERATURE, VOLTAGE, FAN, POWER, CURRENT, STATE),
    *(RUNNING, LINK_DOWNS, RECEIVED, SENT, RECEIVE_RATE, SEND_RATE),
    *(RECEIVE_ERRORS, SEND_ERRORS, RECEIVE_DROPS, SEND_DROPS),
    *(ACTIVE, ACTIVE_BY_SERVER, ACTIVE_BY_PROFILE, DISABLED),
    *(QUEUES_NEAR, QUEUE, NETWATCH, LEASES, POOL_USED, POOL_SIZE, POOL_USAGE, CONNECTIONS, CONNECTIONS_MOST),
)
