"""The scenarios: functions of a Lab that return their figures in a line, or raise trial.Failed."""
