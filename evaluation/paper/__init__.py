"""The paper's tables, figures and claims from finished run folders, its own numbers beside ours."""
