#pragma once

namespace nodevigil {

/// The release, "0.1.0", and the source revision it was built from ("unknown" outside git).
[[nodiscard]] const char* version();
[[nodiscard]] const char* revision();

}  // namespace nodevigil
