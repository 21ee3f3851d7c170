"""Rule files for tests that hold live evaluation against backtests."""

SIMPLE = """
groups:
- name: levels
  interval: 15s
  rules:
  - {alert: High, expr: 'level > 80', for: 30s, severity: critical}
  - {alert: Low, expr: 'level < 10', keep_firing_for: 45s}
  - {alert: Special, expr: 'level{host=~"h0.*"} == 50', labels: {team: field}}
- name: slow
  interval: 1m
  rules:
  - {alert: Above, expr: 'level{host!="h03"} >= 60', for: 2m, keep_firing_for: 3m}
- name: quick
  interval: 5s
  rules:
  - {alert: Half, expr: 'level <= 50', for: 10s}
"""
RICH = """
groups:
- name: recorded
  interval: 15s
  rules:
  - {record: served:rate1m, expr: 'rate(served_total[1m])'}
  - {record: served:zone, expr: 'sum by (zone) (served:rate1m)', labels: {kind: zone}}
  - {alert: Slow, expr: 'served:rate1m < 1.5', for: 30s}
  - {alert: Drop, expr: 'served:zone < 0.7 * (served:zone offset 2m)', labels: {part: '{{ $labels.zone }}'}}
- name: chained
  interval: 30s
  rules:
  - {alert: Zone, expr: 'avg by (zone) (served:rate1m) > 3.2', keep_firing_for: 1m}
  - {alert: Storm, expr: 'count by (zone) (ALERTS{alertname="Slow",alertstate="firing"}) >= 1', for: 30s}
  - {alert: Quiet, expr: 'absent(served:rate1m{host="h05"})'}
- name: windows
  interval: 20s
  rules:
  - {alert: Gone, expr: 'absent(level{host="h04"})', for: 40s}
  - {alert: Jumpy, expr: 'max_over_time(level[2m]) - min_over_time(level[2m]) > 60'}
  - {alert: Few, expr: 'count(level) < 16'}
  - {alert: Pair, expr: 'level > on (host) group_left () (served:rate1m * 25)', for: 20s}
  - {alert: Sparse, expr: 'count_over_time(level[1m]) < 4'}
- name: looking back
  interval: 15s
  query_offset: 1m
  rules:
  - {alert: Top, expr: 'topk by (zone) (1, level) > 85'}
  - {record: level:avg, expr: 'avg by (zone) (level)'}
  - {alert: Falling, expr: 'deriv(level:avg[2m]) < -0.2', for: 15s}
"""
