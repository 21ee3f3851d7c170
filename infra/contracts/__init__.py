"""What other systems rely on, written down from the code: JSON Schema for each topic and the AsyncAPI document.

`python -m infra.contracts` writes the files under `shared/messages`; with `--check` it says whether they are what the
code says, and whether a change would break somebody who reads the topics. docs/contracts.md explains the rules.
"""
