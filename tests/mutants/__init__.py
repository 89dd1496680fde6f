"""Changes to the code that tests must notice: ``make mutants`` (outside of CI)."""
