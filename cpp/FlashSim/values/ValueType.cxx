// Part of FlashSim for RDataFrame.
#include "FlashSim/values/ValueType.hxx"

#include <algorithm>
#include <array>
#include <type_traits>

namespace FlashSim {
namespace {

struct TypeRecord {
   EValueType fType;
   const char *fName;
};

constexpr std::array kTypes{
#define FLASHSIM_TYPE(enumerator, name, type) TypeRecord{EValueType::enumerator, name},
    FLASHSIM_VALUE_TYPES(FLASHSIM_TYPE)
#undef FLASHSIM_TYPE
};

} // namespace

std::string GetName(EValueType type)
{
   return std::find_if(kTypes.begin(), kTypes.end(), [type](const auto &record) { return record.fType == type; })
       ->fName;
}

std::optional<EValueType> FindValueType(const std::string &name)
{
   const auto found =
       std::find_if(kTypes.begin(), kTypes.end(), [&name](const auto &record) { return name == record.fName; });
   return found == kTypes.end() ? std::nullopt : std::optional(found->fType);
}

std::string ListValueTypes()
{
   std::string list;
   for (const auto &record : kTypes)
      list += (list.empty() ? "" : ", ") + std::string(record.fName);
   return list;
}

bool IsIntegral(EValueType type)
{
   return WithValueType(type, [](auto zero) { return std::is_integral_v<decltype(zero)>; });
}

} // namespace FlashSim
