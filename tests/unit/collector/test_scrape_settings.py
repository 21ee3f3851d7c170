from pathlib import Path

import pytest

from services.collector.scraping.settings import ScrapeSettings
from services.collector.settings import Settings
from shared.settings import BadSettings, load


def read(tmp_path: Path, text: str) -> ScrapeSettings:
    path = tmp_path / "pantau.yaml"
    path.write_text(text)
    return load(Settings, {}, path).scrape


def test_two_lines_are_enough(tmp_path: Path) -> None:
    settings = read(tmp_path, "scrape:\n  jobs: [{job_name: shop, targets: ['127.0.0.1:3000']}]\n")
    (job,) = settings.jobs
    assert (job.job_name, job.groups[0].targets) == ("shop", ["127.0.0.1:3000"])
    assert (settings.interval_of(job), settings.timeout_of(job)) == (60_000, 10_000)


def test_a_job_as_prometheus_has_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    settings = read(
        tmp_path,
        f"""
scrape:
  interval: 30s
  jobs:
    - job_name: nodes
      scrape_interval: 5s
      scheme: https
      metrics_path: /federate
      params: {{"match[]": [up]}}
      honor_labels: true
      honor_timestamps: false
      enable_http2: false
      keep_dropped_targets: 5
      body_size_limit: 10MB
      sample_limit: 1000
      authorization: {{credentials_file: {tmp_path}/token}}
      tls_config: {{insecure_skip_verify: true}}
      static_configs: [{{targets: [a, b], labels: {{rack: 7}}}}]
      file_sd_configs: [{{files: [targets/*.yml]}}]
      dns_sd_configs: [{{names: [a.example], type: A, port: 80}}, {{names: [_m._tcp.example]}}]
      relabel_configs:
        - {{source_labels: [__address__], regex: "(.*)", target_label: x, replacement: 1, action: Replace}}
      metric_relabel_configs: [{{action: labeldrop, regex: id}}]
""",
    )
    (job,) = settings.jobs
    assert (settings.interval_of(job), settings.timeout_of(job)) == (5_000, 5_000)
    assert (job.body_size_limit, job.sample_limit) == (10 * 2**20, 1000)
    assert job.credentials() == "Bearer s3cret"
    assert job.static_configs[0].labels == {"rack": "7"}
    assert job.relabel_configs[0].rule().replacement == "1"


@pytest.mark.parametrize(
    ("job", "told"),
    [
        ("scrape_intervall: 5s", "jobs.0.scrape_intervall: there is no such setting"),
        ("scrape_interval: soon", "is not a duration"),
        ("scrape_interval: 10ms", "greater than or equal to 1000"),
        ("scrape_interval: 5s, scrape_timeout: 6s", "scrape_timeout .* is longer"),
        ("scrape_timeout: 2m", "longer than the interval"),
        ("body_size_limit: much", "is not a size"),
        ("consul_sd_configs: []", "consul_sd_configs is not supported: .*file_sd_configs"),
        ("oauth2: {}", "oauth2 is not supported"),
        ("proxy_url: http://p", "proxies are not supported"),
        ("bearer_token_file: /does/not/exist", "bearer_token_file: /does/not/exist can't be read"),
        ("bearer_token: a, basic_auth: {username: b}", "only one of"),
        ("tls_config: {ca_file: /does/not/exist}", "ca_file: /does/not/exist can't be used"),
        ("relabel_configs: [{action: keep, regex: '('}]", r"relabel_configs.0: .*regular expression"),
        ("relabel_configs: [{action: hashmod, target_label: a}]", "needs a modulus"),
        ("dns_sd_configs: [{names: [a], type: A}]", "say it in port"),
        ("file_sd_configs: [{files: [targets]}]", "does not end in .json"),
        ("static_configs: [{targets: [a], labels: {a-b: c}}]", "is not a label name"),
        ("job_name: other}, {job_name: other", "two jobs are called other"),
        ("fallback_scrape_protocol: PrometheusProto", "fallback_scrape_protocol"),
    ],
)
def test_a_bad_job_is_refused_with_its_place(tmp_path: Path, job: str, told: str) -> None:
    name = "" if job.startswith("job_name") else "job_name: x, "
    with pytest.raises(BadSettings, match=rf"pantau\.yaml:1: scrape.*{told}"):
        read(tmp_path, f"scrape: {{jobs: [{{{name}{job}}}]}}")


def test_a_prometheus_yml_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "prometheus" / "prometheus.yml"
    file.parent.mkdir()
    file.write_text(
        """
global: {scrape_interval: 15s, scrape_timeout: 12s, evaluation_interval: 1m, external_labels: {a: b}}
rule_files: [rules.yml]
alerting: {alertmanagers: []}
scrape_configs:
  - job_name: nodes
    file_sd_configs: [{files: [targets/*.json]}]
  - {job_name: fast, scrape_interval: 5s, static_configs: [{targets: ['a:1']}]}
  - {job_name: slow, scrape_interval: 5m, static_configs: [{targets: ['a:1']}]}
"""
    )
    settings = read(tmp_path, f"scrape: {{prometheus_files: [{file}], jobs: [{{job_name: own, targets: ['b:1']}}]}}")
    own, nodes, fast, slow = settings.jobs
    assert (own.job_name, settings.interval_of(own)) == ("own", 60_000)
    assert nodes.file_sd_configs[0].files == [f"{file.parent}/targets/*.json"]
    assert (settings.interval_of(nodes), settings.timeout_of(nodes)) == (15_000, 12_000)
    assert (settings.interval_of(fast), settings.timeout_of(fast)) == (5_000, 5_000)
    assert (settings.interval_of(slow), settings.timeout_of(slow)) == (300_000, 12_000)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scrape_configs: [{job_name: a, consul_sd_configs: []}]", r"scrape_configs\.0: .*not supported"),
        ("scrape_configs: [{job_name: a, nonsense: 1}]", r"scrape_configs\.0\.nonsense: there is no such setting"),
        ("global: {}", "no list scrape_configs"),
        ("a: [", "not YAML"),
        ("scrape_configs: [7]", r"scrape_configs\.0: not a job"),
    ],
)
def test_a_prometheus_yml_that_can_not_be_used_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(text)
    with pytest.raises(BadSettings, match=rf"prometheus\.yml.*{told}"):
        read(tmp_path, f"scrape: {{prometheus_files: [{file}]}}")
    with pytest.raises(BadSettings, match="can't be read"):
        read(tmp_path, f"scrape: {{prometheus_files: [{tmp_path}/none.yml]}}")


@pytest.mark.parametrize(
    ("keys", "header"),
    [
        ("basic_auth: {username: me, password: pw}", "Basic bWU6cHc="),
        ("basic_auth: {username: me, password_file: FILE}", "Basic bWU6czNjcmV0"),
        ("bearer_token: abc", "Bearer abc"),
        ("authorization: {type: Token, credentials: abc}", "Token abc"),
        ("honor_labels: true", None),
    ],
)
def test_credentials(tmp_path: Path, keys: str, header: str | None) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    text = keys.replace("FILE", str(tmp_path / "secret"))
    (job,) = read(tmp_path, f"scrape: {{jobs: [{{job_name: x, {text}}}]}}").jobs
    assert job.credentials() == header
    assert "s3cret" not in repr(job)
