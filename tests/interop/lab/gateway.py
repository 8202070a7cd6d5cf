# SPDX-License-Identifier: Apache-2.0
"""sallyport-outer and sallyport-inner: their configuration files and their lives."""


class Gateway:
    def __init__(self, world):
        raise NotImplementedError
