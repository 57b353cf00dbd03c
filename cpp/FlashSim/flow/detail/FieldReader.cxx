// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/detail/FieldReader.hxx"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace FlashSim {
namespace {

bool IsLetter(char c)
{
   return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool IsDigit(char c)
{
   return c >= '0' && c <= '9';
}

} // namespace

FieldReader::FieldReader(const Json &object, std::string where, const std::string &path)
   : fObject(object), fWhere(std::move(where)), fPath(path)
{
   if (!object.is_object())
      Fail("", "must be a JSON object");
}

void FieldReader::Fail(const std::string &field, const std::string &problem) const
{
   const std::string separator = fWhere.empty() || field.empty() ? "" : ".";
   throw std::runtime_error("FlashSim: model '" + fPath + "' breaks its contract: metadata field '" + fWhere +
                            separator + field + "' " + problem + ".");
}

const FieldReader::Json &FieldReader::Get(const std::string &field) const
{
   if (!Has(field))
      Fail(field, "is missing");
   return fObject.at(field);
}

void FieldReader::CheckNames(std::initializer_list<const char *> known) const
{
   for (const auto &entry : fObject.items()) {
      if (std::find(known.begin(), known.end(), entry.key()) != known.end())
         continue;
      std::string list;
      for (const char *name : known)
         list += (list.empty() ? "" : ", ") + std::string(name);
      Fail(entry.key(), "is unknown; there are " + list);
   }
}

void FieldReader::CheckIsAbsent(const std::string &field, const std::string &reason) const
{
   if (Has(field))
      Fail(field, reason);
}

std::string FieldReader::GetString(const std::string &field) const
{
   const Json &value = Get(field);
   if (!value.is_string())
      Fail(field, "must be a string, but is " + Shorten(value));
   return value.get<std::string>();
}

std::string FieldReader::GetColumnName(const std::string &field) const
{
   std::string name = GetString(field);
   const bool isName = !name.empty() && IsLetter(name[0]) &&
                       std::all_of(name.begin(), name.end(), [](char c) { return IsLetter(c) || IsDigit(c); });
   if (!isName)
      Fail(field, "must be a valid column name (letters, digits, underscores), but is '" + name + "'");
   return name;
}

int FieldReader::GetInteger(const std::string &field, int smallest, int largest) const
{
   const Json &value = Get(field);
   const double number = value.is_number() ? value.get<double>() : smallest - 1.;
   if (!(number >= smallest && number <= largest) || std::floor(number) != number) {
      Fail(field, "must be an integer from " + std::to_string(smallest) + " to " + std::to_string(largest) +
                      ", but is " + Shorten(value));
   }
   return static_cast<int>(number);
}

std::size_t FieldReader::GetChoice(const std::string &field, std::initializer_list<const char *> choices) const
{
   const auto text = GetString(field);
   const auto found = std::find(choices.begin(), choices.end(), text);
   if (found == choices.end()) {
      std::string list;
      for (const char *choice : choices)
         list += (list.empty() ? "" : ", ") + std::string(choice);
      Fail(field, "must be one of " + list + ", but is '" + text + "'");
   }
   return static_cast<std::size_t>(found - choices.begin());
}

std::optional<std::string> FieldReader::GetOptionalString(const std::string &field) const
{
   return IsNull(field) ? std::nullopt : std::optional(GetString(field));
}

std::optional<int> FieldReader::GetOptionalInteger(const std::string &field, int smallest, int largest) const
{
   return IsNull(field) ? std::nullopt : std::optional(GetInteger(field, smallest, largest));
}

std::string FieldReader::Shorten(const Json &value)
{
   std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
   constexpr std::size_t kLongest = 60;
   return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

} // namespace FlashSim
