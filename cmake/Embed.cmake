# Writes OUT: a C++ source file with the content of FILES, for rematch_embed().
set(entries "")
set(bodies "")
set(n 0)
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," chars "${hex}")
  string(APPEND bodies "constexpr char kFile${n}[] = {${chars}'\\0'};\n")
  string(APPEND entries "    {\"${name}\", {kFile${n}, sizeof(kFile${n}) - 1}},\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "#include \"platform/embedded.h\"
namespace ${NAMESPACE} {
namespace {
${bodies}constexpr std::array<rematch::platform::EmbeddedFile, ${n}> kFiles = {{
${entries}}};
}  // namespace
std::span<const rematch::platform::EmbeddedFile> ${SYMBOL}() { return kFiles; }
}  // namespace ${NAMESPACE}
")
