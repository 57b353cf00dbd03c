// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_VALUES_VALUETYPE
#define FLASHSIM_VALUES_VALUETYPE

#include <RtypesCore.h>

#include <optional>
#include <string>

/// \brief The types that the values of a RECO column may have. Everything else about them is made from this list.
///
/// Calls FLASHSIM_TYPE(enumerator, name in a model's metadata, C++ type) for each.
#define FLASHSIM_VALUE_TYPES(FLASHSIM_TYPE)                                                                            \
   FLASHSIM_TYPE(kFloat32, "float32", float)                                                                           \
   FLASHSIM_TYPE(kFloat64, "float64", double)                                                                          \
   FLASHSIM_TYPE(kInt8, "int8", signed char)                                                                           \
   FLASHSIM_TYPE(kUInt8, "uint8", unsigned char)                                                                       \
   FLASHSIM_TYPE(kInt16, "int16", short)                                                                               \
   FLASHSIM_TYPE(kUInt16, "uint16", unsigned short)                                                                    \
   FLASHSIM_TYPE(kInt32, "int32", int)                                                                                 \
   FLASHSIM_TYPE(kUInt32, "uint32", unsigned int)                                                                      \
   FLASHSIM_TYPE(kInt64, "int64", Long64_t)                                                                            \
   FLASHSIM_TYPE(kUInt64, "uint64", ULong64_t)                                                                         \
   FLASHSIM_TYPE(kBool, "bool", bool)

namespace FlashSim {

/// The type of a RECO column, as a model declares it.
enum class EValueType {
#define FLASHSIM_TYPE(enumerator, name, type) enumerator,
   FLASHSIM_VALUE_TYPES(FLASHSIM_TYPE)
#undef FLASHSIM_TYPE
};

/// "float32", "uint8", ... as in the metadata.
std::string GetName(EValueType type);

/// The type of that name, if there is one.
std::optional<EValueType> FindValueType(const std::string &name);

/// "float32, float64, ...", for messages.
std::string ListValueTypes();

bool IsIntegral(EValueType type);

/// Calls `function` with a value of the C++ type of a column declared as `type`.
template <typename Function>
decltype(auto) WithValueType(EValueType type, Function &&function)
{
   switch (type) {
#define FLASHSIM_TYPE(enumerator, name, type)                                                                          \
   case EValueType::enumerator:                                                                                        \
      return function(static_cast<type>(0));
      FLASHSIM_VALUE_TYPES(FLASHSIM_TYPE)
#undef FLASHSIM_TYPE
   }
   return function(0.f);
}

} // namespace FlashSim

#endif
