// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FIELDREADER
#define FLASHSIM_FIELDREADER

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <optional>
#include <string>

namespace FlashSim {

/// \brief Reads and checks the fields of a JSON object.
///
/// All functions but Has() and Shorten() throw std::runtime_error, naming the file, the field, the value found and the
/// expectation.
class FieldReader {
public:
   using Json = nlohmann::json;

   /// \param[in] object to be read, \param[in] where its place in the document, empty for the document itself
   /// \param[in] path of the file, for messages
   FieldReader(const Json &object, std::string where, const std::string &path);

   [[noreturn]] void Fail(const std::string &field, const std::string &problem) const;

   bool Has(const std::string &field) const { return fObject.contains(field); }
   const Json &Get(const std::string &field) const;

   /// Refuses fields of other names.
   void CheckNames(std::initializer_list<const char *> known) const;
   /// Refuses the field, for the reason given: "is not for ...".
   void CheckIsAbsent(const std::string &field, const std::string &reason) const;

   std::string GetString(const std::string &field) const;
   /// Letters, digits and underscores, no digit first.
   std::string GetColumnName(const std::string &field) const;
   /// Also as 3.0, which is an integer in JSON.
   int GetInteger(const std::string &field, int smallest, int largest) const;
   /// Place of the field's text among the choices.
   std::size_t GetChoice(const std::string &field, std::initializer_list<const char *> choices) const;
   /// None if the field is absent or null.
   std::optional<std::string> GetOptionalString(const std::string &field) const;
   std::optional<int> GetOptionalInteger(const std::string &field, int smallest, int largest) const;

   /// The value as it stands in the document, its beginning if it is long.
   static std::string Shorten(const Json &value);

private:
   bool IsNull(const std::string &field) const { return !Has(field) || fObject.at(field).is_null(); }

   const Json &fObject;
   std::string fWhere;
   const std::string &fPath;
};

} // namespace FlashSim

#endif
