"""Who is told of which alerts, when and what mutes them: Alertmanager's configuration, and what Pantau adds to it.

Pure but for `settings.py`: values in, values out.
"""
