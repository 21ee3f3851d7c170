"""The command line, the embedded stack, migrations, default rules. Infra knows services by module name only."""
