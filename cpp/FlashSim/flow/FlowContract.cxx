// Part of FlashSim for RDataFrame.
#include "FlashSim/FlowContract.hxx"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

namespace FlashSim {
namespace {

using Json = nlohmann::json;

/// Reads fields of a JSON object and says which one is wrong.
class FieldReader {
public:
   FieldReader(const Json &object, std::string where, const std::string &path)
      : fObject(object), fWhere(std::move(where)), fPath(path)
   {
      if (!object.is_object())
         Fail("", "must be a JSON object");
   }

   [[noreturn]] void Fail(const std::string &field, const std::string &problem) const
   {
      const std::string separator = fWhere.empty() || field.empty() ? "" : ".";
      throw std::runtime_error("FlashSim: flow '" + fPath + "' breaks its contract: metadata field '" + fWhere +
                               separator + field + "' " + problem + ".");
   }

   bool Has(const std::string &field) const { return fObject.contains(field); }

   const Json &Get(const std::string &field) const
   {
      if (!Has(field))
         Fail(field, "is missing");
      return fObject.at(field);
   }

   std::string GetString(const std::string &field) const
   {
      const Json &value = Get(field);
      if (!value.is_string())
         Fail(field, "must be a string, but is " + Shorten(value));
      return value.get<std::string>();
   }

   std::string GetColumnName(const std::string &field) const
   {
      std::string name = GetString(field);
      const bool isName =
          !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
          std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
      if (!isName)
         Fail(field, "must be a valid column name (letters, digits, underscores), but is '" + name + "'");
      return name;
   }

   int GetPositiveInteger(const std::string &field) const
   {
      const Json &value = Get(field);
      constexpr int kLargest = 1000000;
      if (!value.is_number_integer() || value.get<double>() < 1 || value.get<double>() > kLargest)
         Fail(field, "must be an integer from 1 to 1000000, but is " + Shorten(value));
      return value.get<int>();
   }

   static std::string Shorten(const Json &value)
   {
      std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
      constexpr std::size_t kLongest = 60;
      return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
   }

private:
   const Json &fObject;
   std::string fWhere;
   const std::string &fPath;
};

std::vector<FlowVariable> ReadVariables(const FieldReader &document, const std::string &field, const std::string &path)
{
   const Json &list = document.Get(field);
   if (!list.is_array() || list.empty())
      document.Fail(field, "must be a non-empty array of variables");
   std::vector<FlowVariable> variables;
   std::set<std::string> names;
   for (std::size_t i = 0; i < list.size(); ++i) {
      const FieldReader reader(list[i], field + "[" + std::to_string(i) + "]", path);
      FlowVariable variable;
      variable.fName = reader.GetColumnName("name");
      if (!names.insert(variable.fName).second)
         reader.Fail("name", "repeats '" + variable.fName + "'");
      variable.fUnit = reader.GetString("unit");
      const std::string type = reader.GetString("dtype");
      const auto known = FindValueType(type);
      if (!known)
         reader.Fail("dtype", "must be one of " + ListValueTypes() + ", but is '" + type + "'");
      variable.fType = *known;
      const Json &range = reader.Get("range");
      if (!range.is_array() || range.size() != 2 || !range[0].is_number() || !range[1].is_number() ||
          !(range[0].get<double>() <= range[1].get<double>()))
         reader.Fail("range", "must be [smallest, largest], but is " + FieldReader::Shorten(range));
      variable.fMin = range[0].get<double>();
      variable.fMax = range[1].get<double>();
      variables.push_back(std::move(variable));
   }
   return variables;
}

/// The digits of the checksum; empty if there is none.
std::string ReadChecksum(const Json &document, const FieldReader &reader)
{
   const std::string field = "checksum", prefix = "sha256:";
   constexpr std::size_t kDigits = 64;
   if (!reader.Has(field)) {
      // A name that was damaged must not make the checksum pass for none.
      for (const auto &[name, value] : document.items()) {
         if (value.is_string() && value.get_ref<const std::string &>().compare(0, prefix.size(), prefix) == 0)
            reader.Fail(name, "holds a checksum, but is not called 'checksum'");
      }
      return {};
   }
   const auto text = reader.GetString(field);
   const auto digits = text.substr(std::min(prefix.size(), text.size()));
   const auto isDigit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
   if (text.compare(0, prefix.size(), prefix) != 0 || digits.size() != kDigits ||
       !std::all_of(digits.begin(), digits.end(), isDigit))
      reader.Fail(field, "must be 'sha256:' and 64 hexadecimal digits, but is '" + text + "'");
   return digits;
}

} // namespace

std::size_t FlowContract::FindTarget(const std::string &name) const
{
   const auto found =
       std::find_if(fTarget.begin(), fTarget.end(), [&name](const auto &variable) { return variable.fName == name; });
   return static_cast<std::size_t>(found - fTarget.begin());
}

FlowContract FlowContract::FromJson(const std::string &json, const std::string &path)
{
   if (json.empty()) {
      throw std::runtime_error("FlashSim: flow '" + path +
                               "' has no metadata under the key 'flashsim'; an ONNX model becomes a flow when its "
                               "metadata_props say what it takes and gives (see flow.schema.json).");
   }
   // A document nested more deeply than any contract would overflow the stack later on; what lies deeper is left out.
   constexpr int kDeepest = 32;
   const auto dropDeepValues = [](int depth, Json::parse_event_t, Json &) { return depth <= kDeepest; };
   const Json document = Json::parse(json, dropDeepValues, false);
   if (document.is_discarded())
      throw std::runtime_error("FlashSim: flow '" + path +
                               "': the metadata under the key 'flashsim' is not valid JSON.");

   const FieldReader reader(document, "", path);
   constexpr int kSchema = 1;
   if (const int schema = reader.GetPositiveInteger("schema"); schema != kSchema) {
      reader.Fail("schema", "is " + std::to_string(schema) +
                                ", but this version of FlashSim reads schema 1; a newer one "
                                "may read it");
   }
   FlowContract contract;
   contract.fMetadata = json;
   contract.fName = reader.GetString("name");
   if (contract.fName.empty())
      reader.Fail("name", "must not be empty");
   contract.fCollection = reader.GetColumnName("collection");
   contract.fSource = reader.GetColumnName("source");
   contract.fContext = ReadVariables(reader, "context", path);
   contract.fTarget = ReadVariables(reader, "target", path);
   contract.fNoiseDimension = static_cast<std::size_t>(reader.GetPositiveInteger("noise_dimension"));
   if (reader.Has("sort_by") && !reader.Get("sort_by").is_null()) {
      contract.fSortBy = reader.GetString("sort_by");
      if (!contract.fSortBy.empty() && contract.FindTarget(contract.fSortBy) == contract.fTarget.size())
         reader.Fail("sort_by", "names '" + contract.fSortBy + "', which is no target");
   }
   if (reader.Has("default_steps") && !reader.Get("default_steps").is_null()) {
      contract.fDefaultSteps = reader.GetPositiveInteger("default_steps");
      contract.fSolver = reader.GetString("solver");
   }
   contract.fChecksum = ReadChecksum(document, reader);
   return contract;
}

} // namespace FlashSim
