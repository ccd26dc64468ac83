"""The benchmarks' machinery: suites are data, methods and judges are files, results are rows."""
