"""The version, its single source: the build reads it from here without importing the package."""

VERSION = "0.1.0"
