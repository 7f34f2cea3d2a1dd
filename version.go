package millrace

// SDKVersion is the version of this module's interface for authors, as MAJOR.MINOR.PATCH. What a program was built from
// is told by `millrace version`.
const SDKVersion = "0.4.0"
