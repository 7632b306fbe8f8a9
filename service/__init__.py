"""The HTTP service: a request goes server -> app -> api -> annotate -> engine -> model.

`http` and `observability` stand beside that way. `python -m nerve.service` starts it. It imports `nerve.model`, never
`nerve.training`.
"""
