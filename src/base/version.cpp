#include "nodevigil/base/version.h"

namespace nodevigil {

const char* version() { return NODEVIGIL_VERSION; }
const char* revision() { return NODEVIGIL_REVISION; }

}  // namespace nodevigil
