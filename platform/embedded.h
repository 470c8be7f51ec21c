// A file that the build put inside the binary: a migration, a template. rematch_embed() in cmake/ makes the tables.
#ifndef REMATCH_PLATFORM_EMBEDDED_H_
#define REMATCH_PLATFORM_EMBEDDED_H_

#include <array>
#include <span>
#include <string_view>

namespace rematch::platform {

struct EmbeddedFile {
  std::string_view name;  // without its folder
  std::string_view content;
};

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_EMBEDDED_H_
